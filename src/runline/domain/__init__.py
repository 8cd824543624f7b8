"""What a sportsbook is: its words and rules, pure. No I/O, no clock, no randomness, no await."""
