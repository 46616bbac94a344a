"""The labelled face of each kernel: a mixture in, labelled results out, with the same sweep dimensions."""
