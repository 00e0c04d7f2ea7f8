"""The engines that are compared. Each is a process of its own, configured by JSON in its only argument, that says when it
reads its first record and when half of them (`marks.py`), and commits its offsets to the consumer group it is given.
"""
