package shared

// take is the script of every operation.
//
// KEYS: the marker, the time, then for each claim its entries and its sum.
// ARGV: the mode (take, add, room), the marker's value, an id that no other call
// has, and for each claim units, the most, and the window in microseconds.
//
// It answers {"ok" or "over", used...}, or {"lost"}.
const take = `
local mode, id = ARGV[1], ARGV[3]
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return {'lost'} end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if last > now then now = last end
local n = (#KEYS - 2) / 2
local used, over = {}, {}
for i = 1, n do
  local entries, sum = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
  local units, most, per = tonumber(ARGV[1 + 3 * i]), tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
  local total = tonumber(redis.call('GET', sum) or '0')
  local old = redis.call('ZRANGEBYSCORE', entries, '-inf', now - per)
  for _, member in ipairs(old) do
    total = total - tonumber(string.match(member, ':(%d+)$'))
  end
  if #old > 0 and mode ~= 'room' then
    redis.call('ZREMRANGEBYSCORE', entries, '-inf', now - per)
    redis.call('SET', sum, string.format('%.0f', total), 'KEEPTTL')
  end
  used[i] = total
  over[i] = units > most - total
end
local answer, any = {'ok'}, false
for i = 1, n do
  if over[i] then any = true end
end
if any and mode ~= 'add' then
  answer[1] = 'over'
elseif mode ~= 'room' then
  redis.call('SET', KEYS[2], string.format('%.0f', now))
  for i = 1, n do
    local entries, sum = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
    local units, per = tonumber(ARGV[1 + 3 * i]), tonumber(ARGV[3 + 3 * i])
    local life = math.ceil(per / 1000) + 60000
    if redis.call('ZCARD', entries) >= 4096 then
      local first = redis.call('ZRANGE', entries, 0, 1, 'WITHSCORES')
      local both = tonumber(string.match(first[1], ':(%d+)$')) + tonumber(string.match(first[3], ':(%d+)$'))
      redis.call('ZREM', entries, first[1], first[3])
      redis.call('ZADD', entries, first[4], id .. 'j:' .. string.format('%.0f', both))
    end
    redis.call('ZADD', entries, string.format('%.0f', now), id .. ':' .. string.format('%.0f', units))
    redis.call('PEXPIRE', entries, life)
    used[i] = used[i] + units
    redis.call('SET', sum, string.format('%.0f', used[i]), 'PX', life)
  end
end
for i = 1, n do
  answer[1 + i] = string.format('%.0f', used[i]) .. (over[i] and '!' or '')
end
return answer
`
