"""How tests run."""

from hypothesis import settings

from . import forks

# On a machine that does other work too, a slow example is no error. (In CI hypothesis takes its own profile, which says so.)
settings.register_profile("patient", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("patient")

forks.start()
