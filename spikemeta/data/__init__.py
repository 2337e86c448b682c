"""Images, and the order in which they are shown: data sets, curricula, schedules of items."""
