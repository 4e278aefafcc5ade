"""CaImAn's adapter: our records in and out; CaImAn's own words stop here.

    engine.py      the engine: what it offers and how a job goes
    find.py        where CaImAn is, told from the unrelated package of that name
    parameters.py  our parameters in CaImAn's names, and CaImAn's own passed through
    names.py       which names of parameters CaImAn knows
    timeline.py    the frames as CaImAn gets them: even steps, no frame missing
    handover.py    the movie in a file that CaImAn maps
    process.py     the process in which CaImAn runs: starts, watches, tells its last words
    worker/        what runs in that process; needs CaImAn and numpy, nothing of ours
    motion.py      CaImAn's shifts as our record
    components.py  CaImAn's estimates as our record
    prediction.py  memory, disk and time
    saved.py       results that CaImAn saved elsewhere, read without CaImAn

CaImAn runs in a process of its own even where it is installed beside us: its numerical libraries
must be told to use one thread before numpy is imported, its memory is given back when it ends,
and when it is killed we live on and say so.
"""
