"""What a presentation costs, in our programs, by hand, and in other simulators."""
