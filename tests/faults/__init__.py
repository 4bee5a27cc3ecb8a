"""Real processes, real faults: served by the production server, hammered, killed, counted afterwards."""
