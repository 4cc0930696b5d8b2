"""What pages of several rooms share: numbers and dates in words, lists of uploads."""
