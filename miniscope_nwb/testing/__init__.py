"""For tests and benchmarks, also other people's: contract suites and scores against the truth."""
