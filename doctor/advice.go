package doctor

import "github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"

// Snippet is a line or two in a programming language.
type Snippet struct {
	Language string `json:"language"`
	Code     string `json:"code"`
}

// remedy is what to change, and how.
type remedy struct {
	do   language.Text
	code []Snippet
}

func in5(php, java, csharp, python, node string) []Snippet {
	return []Snippet{{"PHP", php}, {"Java", java}, {"C#", csharp}, {"Python", python}, {"Node", node}}
}

// advice is what to change, by the names that the table of mistakes uses.
var advice = map[string]remedy{
	"raw-text": {language.Both(
		"Verify the bytes as they came, before anything parses them; sign the text that you send, and send that text.",
		"Xác thực các byte như khi nhận, trước khi đọc; ký đúng văn bản sẽ gửi và gửi đúng văn bản đó."),
		in5(
			`$body = file_get_contents('php://input');  $signature = hash('sha256', $body . $salt);`,
			`byte[] body = request.getInputStream().readAllBytes();  // before Jackson; with Spring: @RequestBody byte[] body`,
			`using var ms = new MemoryStream(); await Request.Body.CopyToAsync(ms); byte[] body = ms.ToArray();  // no [FromBody]`,
			`body = request.get_data()  # Flask; Django: request.body; to send: requests.post(url, data=body), not json=`,
			`app.use(express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } }))  // hash req.rawBody`)},
	"one-text": {language.Both(
		"Sign and verify one and the same text, as it travels; do not copy it from a log or a page.",
		"Ký và xác thực cùng một văn bản như khi truyền đi; đừng chép lại từ log hay trang web."),
		in5(
			`$body = json_encode($envelope);  // once; then hash, and send $body itself`,
			`String body = mapper.writeValueAsString(envelope);  // once; then hash, and send body itself`,
			`string body = JsonSerializer.Serialize(envelope);  // once; new StringContent(body, Encoding.UTF8, "application/json")`,
			`body = json.dumps(envelope)  # once; then hash, and send body itself`,
			`const body = JSON.stringify(envelope)  // once; then hash, and send body itself`)},
	"right-salt": {language.Both(
		"Use the salt of this merchant in this environment. Sandbox, UAT and production each have their own.",
		"Dùng salt của đúng merchant và đúng môi trường. Sandbox, UAT và production có salt riêng."),
		in5(
			`$salt = getenv('GALAXYPAY_SALT') ?: throw new RuntimeException('GALAXYPAY_SALT is not set');`,
			`String salt = Objects.requireNonNull(System.getenv("GALAXYPAY_SALT"));`,
			`var salt = Environment.GetEnvironmentVariable("GALAXYPAY_SALT") ?? throw new InvalidOperationException("GALAXYPAY_SALT");`,
			`salt = os.environ["GALAXYPAY_SALT"]`,
			`const salt = process.env.GALAXYPAY_SALT; if (!salt) throw new Error('GALAXYPAY_SALT is not set')`)},
	"clean-salt": {language.Both(
		"Take away what is around the salt: write the file with printf %s, and cut off the last line end where it is read.",
		"Bỏ phần thừa quanh salt: ghi file bằng printf %s và cắt dấu xuống dòng cuối khi đọc."),
		in5(
			`$salt = rtrim(file_get_contents($path), "\r\n");`,
			`String salt = Files.readString(path).stripTrailing();`,
			`var salt = File.ReadAllText(path).TrimEnd('\r', '\n');`,
			`salt = open(path, encoding="utf-8-sig").read().rstrip("\r\n")`,
			`const salt = fs.readFileSync(path, 'utf8').replace(/^\uFEFF|[\r\n]+$/g, '')`)},
	"salt-as-is": {language.Both(
		"Use the salt to the letter as it was issued: neither decoded nor escaped, in single quotation marks where a shell reads it. A file avoids shells.",
		"Dùng salt đúng từng ký tự như được cấp: không giải mã, không thoát ký tự, đặt trong dấu nháy đơn nếu shell đọc. Dùng file sẽ tránh được shell."),
		in5(
			`$text . $salt  // not hex2bin($salt), not base64_decode($salt)`,
			`(text + salt).getBytes(StandardCharsets.UTF_8)  // not Base64.getDecoder().decode(salt)`,
			`Encoding.UTF8.GetBytes(text + salt)  // not Convert.FromBase64String(salt)`,
			`(text + salt).encode()  # not bytes.fromhex(salt)`,
			`text + salt  // not Buffer.from(salt, 'hex')`)},
	"hex": {language.Both(
		"Write the signature as 64 hex digits in lower case and nothing else; compare without regard to the case, in constant time.",
		"Ghi chữ ký bằng đúng 64 chữ số hex viết thường; so sánh không phân biệt hoa thường, trong thời gian hằng định."),
		in5(
			`hash('sha256', $text . $salt)  // third argument false; hash_equals($expected, strtolower($signature))`,
			`HexFormat.of().formatHex(digest)  // MessageDigest.isEqual(...)`,
			`Convert.ToHexString(digest).ToLowerInvariant()  // CryptographicOperations.FixedTimeEquals(...)`,
			`hashlib.sha256(data).hexdigest()  # hmac.compare_digest(expected, signature.lower())`,
			`createHash('sha256').update(text + salt).digest('hex')  // crypto.timingSafeEqual(...)`)},
	"formula": {language.Both(
		"Compute the lower-case hex digits of the SHA-256 of the text with the salt directly after it.",
		"Tính các chữ số hex viết thường của SHA-256 trên văn bản và salt ngay sau đó."),
		in5(
			`hash('sha256', $text . $salt)`,
			`HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest((text + salt).getBytes(StandardCharsets.UTF_8)))`,
			`Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text + salt))).ToLowerInvariant()`,
			`hashlib.sha256((text + salt).encode("utf-8")).hexdigest()`,
			`crypto.createHash('sha256').update(text + salt, 'utf8').digest('hex')`)},
	"data-as-is": {language.Both(
		"Hash the text of the field data as it came, and decode it after that.",
		"Băm văn bản của trường data như khi nhận, rồi mới giải mã."),
		in5(
			`hash('sha256', $in['data'] . $salt);  $message = json_decode(base64_decode($in['data']));`,
			`sha256(in.get("data").asText() + salt);  byte[] message = Base64.getDecoder().decode(in.get("data").asText());`,
			`Sha256(body.Data + salt);  var message = Convert.FromBase64String(body.Data);`,
			`sha256(form["data"] + salt);  message = json.loads(base64.b64decode(form["data"]))`,
			`sha256(body.data + salt);  const message = JSON.parse(Buffer.from(body.data, 'base64').toString('utf8'))`)},
	"form-field": {language.Both(
		"Decode the form once, by the framework, and put + back for blanks in data; to send, let a function encode the form.",
		"Giải mã form đúng một lần bằng framework và đổi khoảng trắng trong data lại thành +; khi gửi, dùng hàm để mã hóa form."),
		in5(
			`$data = str_replace(' ', '+', $_REQUEST['data']);  // to send: http_build_query(['data' => $data])`,
			`String data = request.getParameter("data").replace(' ', '+');  // to send: URLEncoder.encode(data, UTF_8)`,
			`var data = Request.Form["data"].ToString().Replace(' ', '+');  // to send: FormUrlEncodedContent`,
			`data = request.values["data"].replace(" ", "+")  # to send: urllib.parse.urlencode({"data": data})`,
			`const data = req.body.data.replaceAll(' ', '+')  // to send: new URLSearchParams({ data })`)},
	"utf8": {language.Both(
		"Name UTF-8 wherever text becomes bytes and bytes become text.",
		"Luôn ghi rõ UTF-8 ở mọi chỗ đổi văn bản thành byte và ngược lại."),
		in5(
			`header('Content-Type: application/json; charset=utf-8');  // no utf8_encode, no utf8_decode`,
			`text.getBytes(StandardCharsets.UTF_8);  new String(bytes, StandardCharsets.UTF_8)`,
			`Encoding.UTF8.GetBytes(text)  // not Encoding.ASCII, Encoding.Unicode or Encoding.Default`,
			`text.encode("utf-8");  open(path, encoding="utf-8")`,
			`Buffer.from(text, 'utf8')  // not 'latin1', 'binary' or 'ascii'`)},
	"bytes": {language.Both(
		"Read and write the text as bytes; let no editor, shell or text mode change its line ends.",
		"Đọc và ghi văn bản dưới dạng byte; đừng để trình soạn thảo, shell hay chế độ văn bản đổi dấu xuống dòng."),
		in5(
			`$text = file_get_contents($path);  // no trim(), no PHP_EOL after it`,
			`byte[] text = Files.readAllBytes(path);  // no readLine()`,
			`byte[] text = File.ReadAllBytes(path);  // no ReadLine(); new UTF8Encoding(false) writes no BOM`,
			`text = open(path, "rb").read()  # no strip()`,
			`const text = fs.readFileSync(path)  // no trim(); printf %s in a shell, not echo`)},
	"unslash": {language.Both(
		"Take the backslashes out before hashing: WordPress adds them to all input. Elsewhere remove the call that escapes.",
		"Bỏ các dấu \\ trước khi băm: WordPress thêm chúng vào mọi dữ liệu nhận. Ở nơi khác, hãy bỏ lời gọi thoát ký tự."),
		in5(
			`$data = wp_unslash($_POST['data']);  // or file_get_contents('php://input')`,
			`// remove StringEscapeUtils.escapeJava(text)`,
			`// remove Regex.Escape(text) or JsonEncodedText.Encode(text)`,
			`# remove text.encode("unicode_escape") or re.escape(text)`,
			`// remove JSON.stringify(text) of what is a text already`)},
	"unpack": {language.Both(
		"Unpack the body before it is hashed, or accept none that is packed.",
		"Giải nén nội dung trước khi băm, hoặc không nhận nội dung bị nén."),
		in5(
			`curl_setopt($ch, CURLOPT_ENCODING, '');  // a request: gzdecode($body)`,
			`new GZIPInputStream(request.getInputStream()).readAllBytes()`,
			`new HttpClientHandler { AutomaticDecompression = DecompressionMethods.All }`,
			`gzip.decompress(body)  # requests does it for responses`,
			`zlib.gunzipSync(body)  // fetch does it for responses`)},
	"whole-envelope": {language.Both(
		"Hash the whole body, from its first brace to its last.",
		"Băm toàn bộ nội dung, từ dấu ngoặc đầu đến dấu ngoặc cuối."),
		in5(
			`$body = json_encode(['requestID' => $id, 'requestDateTime' => $time, 'requestData' => $data]);  // hash $body`,
			`String body = mapper.writeValueAsString(envelope);  // hash body, not envelope.getRequestData()`,
			`string body = JsonSerializer.Serialize(envelope);  // hash body, not envelope.RequestData`,
			`body = json.dumps({"requestID": id, "requestDateTime": time, "requestData": data})  # hash body`,
			`const body = JSON.stringify({ requestID, requestDateTime, requestData })  // hash body`)},
	"sign-last": {language.Both(
		"Complete the message first, write it once, and sign that text last.",
		"Hoàn tất thông điệp trước, ghi ra một lần, rồi ký văn bản đó sau cùng."),
		in5(
			`$body = json_encode($complete);  $signature = hash('sha256', $body . $salt);  // add nothing after it`,
			`String body = mapper.writeValueAsString(complete);  // one ObjectMapper, with one setting for null`,
			`string body = JsonSerializer.Serialize(complete, options);  // the same options; send body, not PostAsJsonAsync`,
			`body = json.dumps(complete)  # add nothing after it; no interceptor, no json=`,
			`const body = JSON.stringify(complete)  // undefined members are left out, null ones are not`)},
}
