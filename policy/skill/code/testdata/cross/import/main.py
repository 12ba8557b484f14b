from lib.net import ship
from lib import secrets_reader as s
ship(s.load())
