heights = [float(word) for word in input().split()]
print(sum(heights) / len(heights))
