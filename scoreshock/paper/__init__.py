"""Verification of the paper (arXiv:2604.07404): every statement of sections 4-9 computed, judged and shown on a page.

`statement` defines statements and verdicts; one module for each topic contains the statements, and `table` lists them with
tables and figures. `drawing` and `page` present the stored datasets.
"""
