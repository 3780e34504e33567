import sys

n = int(sys.stdin.readline())
assert 0 <= n <= 1000
guests = 0
for _ in range(n):
    guests += {"+1\n": 1, "-1\n": -1}[sys.stdin.readline()]
    assert guests >= 0
sys.exit(42)
