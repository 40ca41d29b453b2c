"""Side by side with yardsticks: every figure of ours beside what it should be compared with, in the same run."""
