"""What a policy pack can say, how it is read, and what is checked before it may be used."""
