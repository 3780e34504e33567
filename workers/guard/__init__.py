"""Makes good what is lost: leases, engines, old rows."""
