"""What the public documentation shows of Python modules, in one.

The first paragraph is the module's summary.
"""

from my_module.main import MyModule as MyModule
