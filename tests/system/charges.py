"""A worker whose rehearsals charge a far side: `celery … -I tests.system.charges`."""

import os
from functools import partial

from demo.work import WORKS
from snippets.effects.charging import charging

WORKS["rehearsal"] = partial(charging, url=os.environ["CHARGES_URL"])
