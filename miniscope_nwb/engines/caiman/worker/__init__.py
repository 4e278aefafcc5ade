"""What runs in CaImAn's own interpreter: needs CaImAn and its numpy and scipy, nothing of ours.

`start.py` is run as a script with the job's folder as its only argument. Jobs and results are
files in that folder; what is told on the way goes to the standard output, one JSON object a line:

    {"step": 1, "of": 3, "what": "..."}   a step is done
    {"say": "..."}                        a sentence for the user
    {"beat": 12.0}                        still alive, so many seconds after the start
    {"error": "...", "kind": "..."}       the end: it failed, and how
    {"done": {...}}                       the end: small results; arrays are in files

Whatever CaImAn itself prints goes to the error output, which the other side keeps as last words.
"""
