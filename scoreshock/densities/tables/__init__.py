"""Tables of samples with classes: from files, frames, arrays, and sets that come with packages."""
