"""Why a test is for the machine's root alone, who is no user's namespace's; each reason stands here once."""

import pytest

DEVICES = pytest.mark.root("it makes devices")
MACHINES = pytest.mark.root("it makes whole machines")
USERS = pytest.mark.root("it makes a user")
ATTRIBUTES = pytest.mark.root("it sets attributes that are the machine's root's")
