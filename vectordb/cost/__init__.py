"""What a stack costs a month: a pure function from planned resources, assumptions and list prices to lines of a bill."""
