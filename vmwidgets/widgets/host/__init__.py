"""What carries a picture to a page: the view's base class, messages, refreshing, cells, static twins, exports.

`view` has the base class; read it first.  `show` knows which view shows which object.
"""
