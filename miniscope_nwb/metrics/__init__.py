"""How good each component is, and whether it is a cell.

    footprint  -> shape.py       area, diameter, roundness, sharpness of the edge
    trace      -> signal.py      signal to noise (two ways), noise, skewness, rise, decay, drift
    both       -> neighbours.py  overlap and correlation with other components
               -> context.py     correlation with the background and with motion
    events     -> events.py      calcium events of each component
    movie      -> event_images.py  the picture of each component's own events, and its null
    all        -> cell_size.py, rules.py, accept.py, mask_types.py   decisions, each with its reason
    stage.py   -> all of it: `judge`

A metric is one small pure function, with unit, range and source in its docstring.
"""
