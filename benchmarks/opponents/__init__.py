"""The opponents of the benchmark: each runs in its own interpreter, and is measured from here.

`run.run_opponent` makes one row. The workers (``*_worker.py``, and `lasso`) need nothing of this
package and run in the opponent's Python; nothing is installed from here.
"""
