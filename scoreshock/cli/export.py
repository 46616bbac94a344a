"""Convert results to another format."""

from __future__ import annotations

import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``export``."""
    parser.add_argument("format", choices=["zarr"], help="the only one so far")
    parser.add_argument("results", metavar="RESULTS", help="folder of the results")
    parser.add_argument("sweep", metavar="SWEEP", help="one of its sweeps")
    parser.add_argument("quantity", metavar="QUANTITY", help="one of the quantities of the sweep")
    parser.add_argument("target", metavar="TARGET", help="path to write; it must not exist")


def run(options: argparse.Namespace) -> int:
    """Write the store, and print the code that opens it."""
    from scoreshock.storage import export

    export.export_zarr(options.results, options.sweep, options.quantity, options.target)
    print(f"import xarray as xr\nds = xr.open_zarr({options.target!r})")
    return 0
