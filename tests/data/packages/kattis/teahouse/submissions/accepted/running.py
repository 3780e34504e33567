count = int(input())
guests = most = 0
for _ in range(count):
    guests += int(input())
    most = max(most, guests)
print(most, "guests")
