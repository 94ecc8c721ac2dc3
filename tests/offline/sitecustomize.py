"""Python runs this when it starts with this folder on its path, so that what a test starts has no network either."""

import no_network

no_network.refuse()
