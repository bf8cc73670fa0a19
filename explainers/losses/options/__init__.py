"""What each option of a loss does, told with the numbers of the call that sets it."""
