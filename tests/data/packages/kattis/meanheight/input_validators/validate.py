import sys

assert 1 <= len(sys.stdin.read().split()) <= 100
sys.exit(42)
