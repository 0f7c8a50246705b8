"""What a producer or an operator's tool imports: jobs go in, states and results come out."""
