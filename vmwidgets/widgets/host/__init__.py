"""From a picture to a page: the view's base class, messages, refreshing, cells, static twins, exports.

`view` has the base class; read it first.  `show` knows the view for each object.
"""
