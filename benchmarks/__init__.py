"""What `make bench` measures: the portal against an empty Django view under the same server.

Two noisy cores give throughputs that swing by half. So every figure is a ratio to the empty view measured a
second before or after, in many short rounds, and the table shows the median of the rounds' ratios.
"""
