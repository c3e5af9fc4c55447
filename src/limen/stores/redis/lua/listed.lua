-- arg 1 subject, 2 now
local now = tonumber(arg(2))
local answer = { 'listed' }
for _, one in ipairs(owned(arg(1))) do
  local id, row = one[1], one[2]
  if now < math.min(tonumber(row[USED]) + tonumber(row[IDLE]), tonumber(row[EXPIRES])) then
    answer[#answer + 1] = { id, row[SUBJECT], row[STRATEGY], row[CREATED], row[USED],
      row[EXPIRES], row[IDLE], row[BODY], row[FIELDS] or '' }
  end
end
return answer
