"""The stack on one machine: embedded servers, guarded child processes, the supervisor."""
