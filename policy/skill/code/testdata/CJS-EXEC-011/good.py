print("mining data for patterns")
