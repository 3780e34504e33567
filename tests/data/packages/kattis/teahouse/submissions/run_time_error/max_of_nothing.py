count = int(input())
guests = 0
seen = []
for _ in range(count):
    guests += int(input())
    seen.append(guests)
print(max(seen), "guests")
