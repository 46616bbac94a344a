"""The paper (arXiv:2604.07404) as one target: every statement of sections 4-9 computed, judged and set on a page.

`statement` says what a statement is and how a verdict follows; a module for each idea holds the statements themselves, and
`table` lists them with tables and figures. `drawing` and `page` only show what the files hold.
"""
