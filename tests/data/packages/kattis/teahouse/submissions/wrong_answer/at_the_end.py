count = int(input())
guests = 0
for _ in range(count):
    guests += int(input())
print(guests, "guests")
