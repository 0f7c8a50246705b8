"""What tests share: servers to start, conditions to wait for, jobs to make."""
