"""omniroute inside frameworks that own what omniroute would own otherwise: connections, migrations."""
