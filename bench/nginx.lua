-- The sidecar's job for one call: wrap, sign, send, prove the answer, unwrap. The request is not validated, and answers
-- are taken apart by pattern instead of by a JSON parser: both spare nginx work that the sidecar does.
local ffi = require("ffi")

ffi.cdef([[
  typedef struct evp_md_ctx_st EVP_MD_CTX;
  typedef struct evp_md_st EVP_MD;
  EVP_MD_CTX *EVP_MD_CTX_new(void);
  const EVP_MD *EVP_sha256(void);
  int EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, void *engine);
  int EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t size);
  int EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *digest, unsigned int *size);
  int RAND_bytes(unsigned char *buffer, int size);
  int CRYPTO_memcmp(const void *a, const void *b, size_t size);
  unsigned char *ngx_hex_dump(unsigned char *to, const unsigned char *from, size_t size);
]])

local C = ffi.C -- nginx itself is linked with libcrypto
local salt = os.getenv("SALT")
local context, sha256 = C.EVP_MD_CTX_new(), C.EVP_sha256()
local raw, digits = ffi.new("unsigned char[32]"), ffi.new("unsigned char[64]")

local function sign(text)
  C.EVP_DigestInit_ex(context, sha256, nil)
  C.EVP_DigestUpdate(context, text, #text)
  C.EVP_DigestUpdate(context, salt, #salt)
  C.EVP_DigestFinal_ex(context, raw, nil)
  C.ngx_hex_dump(digits, raw, 32)
  return ffi.string(digits, 64)
end

local function request_id()
  C.RAND_bytes(raw, 16)
  C.ngx_hex_dump(digits, raw, 16)
  return ffi.string(digits, 32)
end

-- The time changes once a second, so its text is made once a second.
local second, text_of_second
local function date_time()
  local now = ngx.time()
  if now ~= second then
    second, text_of_second = now, os.date("!%Y%m%d%H%M%S", now + 7 * 3600)
  end
  return text_of_second
end

local function refuse(status, code)
  ngx.status = status
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.print('{"code":"', code, '"}')
end

return function()
  ngx.req.read_body()
  local data = ngx.req.get_body_data()
  if not data then
    return refuse(400, "body_invalid")
  end
  local id = request_id()
  local message = '{"requestID":"' .. id .. '","requestDateTime":"' .. date_time() .. '","requestData":' .. data .. "}"
  local answer = ngx.location.capture("/gateway" .. ngx.var.uri, {
    method = ngx.HTTP_POST,
    body = message,
    vars = { signature = sign(message) },
  })
  local text, signature = answer.body, answer.header["signature"]
  if answer.truncated or not signature or #signature ~= 64 or C.CRYPTO_memcmp(sign(text), signature, 64) ~= 0 then
    return refuse(502, "response_signature_invalid")
  end
  local code = text:match('"responseCode":"(%d+)"')
  if text:match('"requestID":"([^"]*)"') ~= id or code ~= "200" then
    return refuse(502, "response_code_unexpected")
  end
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Galaxypay-Request-Id"] = id
  ngx.header["Galaxypay-Response-Code"] = code
  ngx.print(text:match('"responseData":(%b{})'))
end
