"""The subcommands of `ecm-gateway`, one file each; each file defines `command`, a click command."""
