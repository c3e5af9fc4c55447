-- arg 1-5 account; 6 digest of a refresh token. Says what limen.family.judge needs to know.
local known, row = secret(arg(6))
if not known or known[1] ~= 'refresh' then return { 'none' } end
local owner, missing = account(row[SUBJECT])
if not owner then return missing end
local following = known[5] and secret(known[5])
local answer = standing('family', known[2], row, owner)
for _, value in ipairs({ known[4] or '', known[5] or '', known[6] or '' }) do
  answer[#answer + 1] = value
end
answer[#answer + 1] = (following and following[4]) and '1' or '0'
answer[#answer + 1] = known[8]
return answer
