"""Benchmarks of `make bench`: the portal compared with an empty Django view on the same server.

On two noisy cores, throughput varies by half. So every result is a ratio to the empty view, measured a second before
or after in many short rounds; the table shows the median of the ratios.
"""
