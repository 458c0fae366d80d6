package doctor

import (
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Part is what a mistake changes.
type Part string

// The parts.
const (
	PartText      Part = "text"
	PartSalt      Part = "salt"
	PartFormula   Part = "formula"
	PartSignature Part = "signature"
)

// Mistake is one way in which a text, a signature and a salt come not to fit.
type Mistake struct {
	// Name is stable.
	Name string
	// Changes is what it changes.
	Changes Part
	// About says in a sentence what has happened.
	About language.Text

	advice   string // the name of it
	text     func([]byte, *Case) []change
	salt     func([]byte, *Case) []change
	formulas []formula
	picks    bool // salt takes another secret, whatever the one before
}

// Names are the names of all mistakes, by rank.
func Names() []string {
	names := make([]string, len(mistakes))
	for i := range mistakes {
		names[i] = mistakes[i].Name
	}
	return names
}

func (m *Mistake) rank() int {
	return slices.IndexFunc(mistakes, func(o Mistake) bool { return o.Name == m.Name })
}

func mistakeNamed(name string) *Mistake {
	for i := range mistakes {
		if mistakes[i].Name == name {
			return &mistakes[i]
		}
	}
	panic("no mistake is named " + name)
}

// mistakes are all that is tried, the most frequent first, but for one that is a special case of another, which stands before
// it. Where two explain a signature, the one that stands first is named.
var mistakes = []Mistake{
	{Name: "another-text", Changes: PartText, advice: "one-text", text: anotherText, About: language.Both(
		"The signature was made over the other copy of the text.",
		"Chữ ký được tính trên bản sao kia của văn bản.")},
	{Name: "end-of-text", Changes: PartText, advice: "bytes", text: endOfText, About: language.Both(
		"White space was added to the end or the beginning of the text, or cut off there: mostly a line end.",
		"Khoảng trắng ở cuối hoặc đầu văn bản bị thêm vào hoặc bị cắt: thường là dấu xuống dòng.")},
	{Name: "line-ends", Changes: PartText, advice: "bytes", text: lineEnds, About: language.Both(
		"The line ends in the text were exchanged: CRLF on the one side, LF on the other.",
		"Dấu xuống dòng trong văn bản bị đổi: một bên CRLF, bên kia LF.")},
	{Name: "rewritten-json", Changes: PartText, advice: "raw-text", text: rewrittenJSON, About: language.Both(
		"The JSON was parsed and written again: the signature was made over the same object with other white space.",
		"JSON đã bị đọc rồi ghi lại: chữ ký được tính trên cùng đối tượng nhưng với khoảng trắng khác.")},
	{Name: "sorted-keys", Changes: PartText, advice: "raw-text", text: sortedKeys, About: language.Both(
		"The members of the JSON were sorted: the signature was made over the same object with its members in the order of their names.",
		"Các trường của JSON đã bị sắp xếp: chữ ký được tính trên cùng đối tượng với các trường xếp theo tên.")},
	{Name: "other-salt", Changes: PartSalt, advice: "right-salt", salt: secretsOf(Other), picks: true, About: language.Both(
		"Another salt has signed: that of another merchant or another environment.",
		"Một salt khác đã ký: của merchant khác hoặc môi trường khác.")},
	{Name: "sandbox-salt", Changes: PartSalt, advice: "right-salt", salt: secretsOf(published), picks: true, About: language.Both(
		"The published salt of the sandbox and of the documents has signed.",
		"Salt công khai của sandbox và của tài liệu đã ký.")},
	{Name: "salt-line-end", Changes: PartSalt, advice: "clean-salt", salt: saltLineEnd, About: language.Both(
		"A line end stands after the one salt and not after the other: it was read from a file with its last line end.",
		"Một salt có dấu xuống dòng ở cuối, salt kia thì không: khi đọc từ file, dấu xuống dòng cuối đã bị giữ lại.")},
	{Name: "salt-blank", Changes: PartSalt, advice: "clean-salt", salt: saltBlank, About: language.Both(
		"A blank stands beside the one salt and not beside the other.",
		"Một salt có khoảng trắng ở đầu hoặc cuối, salt kia thì không.")},
	{Name: "salt-quotes", Changes: PartSalt, advice: "clean-salt", salt: saltQuotes, About: language.Both(
		"The one salt has quotation marks around it and the other has not.",
		"Một salt nằm trong dấu nháy, salt kia thì không.")},
	{Name: "salt-bom", Changes: PartSalt, advice: "clean-salt", salt: saltBOM, About: language.Both(
		"An invisible byte stands beside the one salt and not beside the other: a byte order mark before it, or a NUL after it.",
		"Một salt có byte vô hình bên cạnh, salt kia thì không: BOM ở đầu hoặc NUL ở cuối.")},
	{Name: "signature-upper-case", Changes: PartSignature, advice: "hex", About: language.Both(
		"The signature is in upper case; the gateway writes and expects lower case.",
		"Chữ ký viết hoa; cổng thanh toán ghi và chờ chữ thường.")},
	{Name: "signature-prefixed", Changes: PartSignature, advice: "hex", About: language.Both(
		"Something stands before the signature, such as sha256=; it must be the hex digits alone.",
		"Có phần thừa trước chữ ký, ví dụ sha256=; chỉ được có các chữ số hex.")},
	{Name: "signature-surrounded", Changes: PartSignature, advice: "hex", About: language.Both(
		"Blanks, a line end or quotation marks stand around the signature.",
		"Có khoảng trắng, dấu xuống dòng hoặc dấu nháy quanh chữ ký.")},
	{Name: "signature-separated", Changes: PartSignature, advice: "hex", About: language.Both(
		"Hyphens, colons or blanks stand between the bytes of the signature, as BitConverter of .NET writes them.",
		"Có dấu gạch, dấu hai chấm hoặc khoảng trắng giữa các byte của chữ ký, như BitConverter của .NET.")},
	{Name: "signature-base64", Changes: PartSignature, advice: "hex", About: language.Both(
		"The signature is the Base64 of the digest; it must be its hex digits.",
		"Chữ ký là Base64 của giá trị băm; phải là chữ số hex của nó.")},
	{Name: "signature-cut", Changes: PartSignature, advice: "hex", About: language.Both(
		"The signature was cut, or something was added to it: it must have 64 hex digits.",
		"Chữ ký bị cắt bớt hoặc có phần thừa: phải đủ 64 chữ số hex.")},
	{Name: "signature-zeros-lost", Changes: PartSignature, advice: "hex", About: language.Both(
		"Zeros in the signature were lost: each byte is two hex digits.",
		"Chữ ký bị mất số 0: mỗi byte là hai chữ số hex.")},
	{Name: "api-key-as-salt", Changes: PartSalt, advice: "right-salt", salt: secretsOf(APIKey), picks: true, About: language.Both(
		"The api key was used in the place of the salt.",
		"API key đã bị dùng thay cho salt.")},
	{Name: "decoded-data", Changes: PartText, advice: "data-as-is", text: base64Decoded, About: language.Both(
		"The one side hashed the Base64 text and the other the JSON in it; the Base64 text is what is signed.",
		"Một bên băm văn bản Base64, bên kia băm JSON bên trong; phần được ký là văn bản Base64.")},
	{Name: "whole-body", Changes: PartText, advice: "data-as-is", text: wholeBody, About: language.Both(
		"The whole message was hashed instead of what is signed in it: the field data of a callback, or the body without headers.",
		"Cả thông điệp đã bị băm thay vì phần được ký: trường data của callback, hoặc nội dung không kèm header.")},
	{Name: "plus-as-blank", Changes: PartText, advice: "form-field", text: plusAsBlank, About: language.Both(
		"A plus sign became a blank: + in a form or in an address means a blank unless it is written %2B.",
		"Dấu + đã thành khoảng trắng: trong form hoặc địa chỉ, + nghĩa là khoảng trắng nếu không viết là %2B.")},
	{Name: "percent-encoded", Changes: PartText, advice: "form-field", text: percentEncoded, About: language.Both(
		"The text was percent-encoded on the one side and not on the other, or decoded twice.",
		"Văn bản được mã hóa phần trăm ở một bên mà không ở bên kia, hoặc bị giải mã hai lần.")},
	{Name: "escaped-unicode", Changes: PartText, advice: "raw-text", text: escapedUnicode, About: language.Both(
		`Letters that are not ASCII are written in another way: à on the one side, \u00e0 on the other.`,
		`Chữ cái ngoài ASCII được viết khác: một bên là à, bên kia là \u00e0.`)},
	{Name: "escaped-slashes", Changes: PartText, advice: "raw-text", text: escapedSlashes, About: language.Both(
		`Slashes are written in another way: / on the one side, \/ on the other, as json_encode of PHP does.`,
		`Dấu gạch chéo được viết khác: một bên là /, bên kia là \/ như json_encode của PHP.`)},
	{Name: "escaped-html", Changes: PartText, advice: "raw-text", text: escapedHTML, About: language.Both(
		`The characters <, > and & are written in another way: as \u003c and the like on one side, as Go, .NET and Gson do.`,
		`Các ký tự <, > và & được viết khác: một bên là \u003c..., như Go, .NET và Gson.`)},
	{Name: "rewritten-by-encoder", Changes: PartText, advice: "raw-text", text: rewrittenByEncoder, About: language.Both(
		"The JSON was parsed and written again by another program, with its own white space and escapes.",
		"JSON đã bị chương trình khác đọc rồi ghi lại, với khoảng trắng và ký tự thoát riêng của nó.")},
	{Name: "wrong-charset", Changes: PartText, advice: "utf8", text: wrongCharset, formulas: inUTF16, About: language.Both(
		"The text was not taken as UTF-8: another character set was used on the way to bytes or from them.",
		"Văn bản không được xử lý theo UTF-8: một bảng mã khác đã được dùng khi đổi sang byte hoặc ngược lại.")},
	{Name: "hmac", Changes: PartFormula, advice: "formula", formulas: hmacs, About: language.Both(
		"An HMAC was computed; the gateway's signature is the plain SHA-256 of the text with the salt after it.",
		"HMAC đã được tính; chữ ký của cổng là SHA-256 thường của văn bản rồi đến salt.")},
	{Name: "salt-first", Changes: PartFormula, advice: "formula", formulas: saltFirst, About: language.Both(
		"The salt was put before the text; it belongs after it.",
		"Salt bị đặt trước văn bản; phải đặt sau.")},
	{Name: "glue", Changes: PartFormula, advice: "formula", formulas: glued, About: language.Both(
		"Something was put between the text and the salt; nothing belongs there.",
		"Có ký tự bị chèn giữa văn bản và salt; không được có gì ở đó.")},
	{Name: "salt-in-text", Changes: PartText, advice: "formula", text: saltInText, About: language.Both(
		"The salt is a part of the text already, so that it was added twice.",
		"Salt đã nằm sẵn trong văn bản, nên bị cộng hai lần.")},
	{Name: "no-salt", Changes: PartFormula, advice: "formula", formulas: noSalt, About: language.Both(
		"The text was hashed without a salt: the salt was empty or forgotten. Such a signature proves nothing, anyone can make it.",
		"Văn bản bị băm không có salt: salt rỗng hoặc bị quên. Chữ ký như vậy không chứng minh gì, ai cũng tạo được.")},
	{Name: "salt-twice", Changes: PartFormula, advice: "formula", formulas: saltTwice, About: language.Both(
		"The salt was added twice.", "Salt bị cộng hai lần.")},
	{Name: "hashed-twice", Changes: PartFormula, advice: "formula", formulas: hashedTwice, About: language.Both(
		"Something was hashed twice: the digest, the text or the salt.",
		"Có phần bị băm hai lần: giá trị băm, văn bản hoặc salt.")},
	{Name: "previous-salt", Changes: PartSalt, advice: "right-salt", salt: secretsOf(Previous), picks: true, About: language.Both(
		"The previous salt has signed. It counts for as long as previous_salt of the configuration says.",
		"Salt cũ đã ký. Nó còn hiệu lực đến khi nào previous_salt trong cấu hình cho phép.")},
	{Name: "other-hash", Changes: PartFormula, advice: "formula", formulas: otherHashes, About: language.Both(
		"Another hash was used in the place of SHA-256.",
		"Một hàm băm khác đã bị dùng thay cho SHA-256.")},
	{Name: "added-slashes", Changes: PartText, advice: "unslash", text: addedSlashes, About: language.Both(
		"Backslashes were put before quotation marks, as WordPress does with everything that comes by HTTP, or taken away.",
		"Dấu \\ bị thêm trước dấu nháy, như WordPress làm với mọi dữ liệu HTTP, hoặc bị bỏ đi.")},
	{Name: "json-string", Changes: PartText, advice: "one-text", text: asJSONString, About: language.Both(
		"The text is a string in JSON on one side: it was encoded once more, or copied with its quotation marks.",
		"Ở một bên, văn bản là một chuỗi JSON: bị mã hóa thêm lần nữa hoặc được chép kèm dấu nháy.")},
	{Name: "html-escaped", Changes: PartText, advice: "one-text", text: htmlEscaped, About: language.Both(
		"The text was escaped for HTML, or copied from a page: &quot; stands for a quotation mark.",
		"Văn bản bị thoát ký tự cho HTML hoặc được chép từ trang web: &quot; thay cho dấu nháy.")},
	{Name: "base64-variant", Changes: PartText, advice: "data-as-is", text: base64Variants, About: language.Both(
		"The same Base64 is spelled in another way: other characters for + and /, no = at the end, or line ends in it.",
		"Cùng một Base64 nhưng viết khác: ký tự khác cho + và /, thiếu = ở cuối, hoặc có dấu xuống dòng.")},
	{Name: "encoded-again", Changes: PartText, advice: "data-as-is", text: encodedAgain, About: language.Both(
		"The data was decoded, parsed, written and encoded again: the JSON in it is spelled in another way.",
		"data đã bị giải mã, đọc, ghi và mã hóa lại: JSON bên trong được viết khác đi.")},
	{Name: "text-bom", Changes: PartText, advice: "bytes", text: byteOrderMark, About: language.Both(
		"A byte order mark stands before the one text and not before the other.",
		"Một văn bản có BOM ở đầu, văn bản kia thì không.")},
	{Name: "normal-form", Changes: PartText, advice: "raw-text", text: normalForms, About: language.Both(
		"Vietnamese letters are composed of other characters: in one (NFC) on the one side, letter and accents apart (NFD) on the other.",
		"Chữ tiếng Việt được ghép khác: một bên là dựng sẵn (NFC), bên kia tách chữ và dấu (NFD).")},
	{Name: "compressed", Changes: PartText, advice: "unpack", text: compressed, About: language.Both(
		"The text is compressed; what is signed is the text that was packed.",
		"Văn bản đang bị nén; phần được ký là văn bản trước khi nén.")},
	{Name: "only-a-part", Changes: PartText, advice: "whole-envelope", text: onlyAPart, About: language.Both(
		"Only a part was hashed; the whole body is signed, with requestID and date-time.",
		"Chỉ một phần bị băm; phần được ký là toàn bộ nội dung, gồm cả requestID và thời gian.")},
	{Name: "fields-added", Changes: PartText, advice: "sign-last", text: fieldsAdded, About: language.Both(
		"A field was added to the text after it was signed.",
		"Một trường bị thêm vào văn bản sau khi ký.")},
	{Name: "empty-fields", Changes: PartText, advice: "sign-last", text: emptyFields, About: language.Both(
		"Fields that are null or empty are in the one text and not in the other.",
		"Các trường null hoặc rỗng có trong văn bản này nhưng không có trong văn bản kia.")},
	{Name: "numbers-retyped", Changes: PartText, advice: "raw-text", text: numbersRetyped, About: language.Both(
		"A number is written in another way: in quotation marks or without, with decimals, with an exponent, or with digits lost.",
		"Một con số được viết khác: trong dấu nháy hay không, có phần thập phân, có số mũ hoặc bị mất chữ số.")},
	{Name: "printed-value", Changes: PartText, advice: "raw-text", text: printed, About: language.Both(
		"A value was printed instead of written as JSON: what str() of Python, toString() of Java or a + of JavaScript makes of it.",
		"Giá trị bị in ra thay vì ghi thành JSON: kết quả của str() trong Python, toString() trong Java hoặc phép + trong JavaScript.")},
	{Name: "retired-scheme", Changes: PartText, advice: "formula", text: flattened, About: language.Both(
		"The retired versions 1 and 2 of the gateway's signature were computed: the values alone, joined in the order of their names.",
		"Chữ ký được tính theo phiên bản 1 và 2 đã bỏ của cổng: chỉ nối các giá trị theo thứ tự tên.")},
	{Name: "salt-encoding", Changes: PartSalt, advice: "salt-as-is", salt: saltEncoding, About: language.Both(
		"The salt was decoded from hex or Base64, or encoded; it is used as it was issued.",
		"Salt bị giải mã từ hex hoặc Base64, hoặc bị mã hóa; phải dùng đúng như được cấp.")},
	{Name: "salt-escaped", Changes: PartSalt, advice: "salt-as-is", salt: saltEscaped, About: language.Both(
		"The salt was escaped on its way, for an address or for HTML, or such escapes were taken out of it.",
		"Salt bị thoát ký tự trên đường đi, cho địa chỉ hoặc HTML, hoặc bị bỏ ký tự thoát.")},
	{Name: "salt-placeholder", Changes: PartSalt, advice: "right-salt", salt: saltPlaceholder, picks: true, About: language.Both(
		"A placeholder has signed: no tool has put the salt in its place.",
		"Một placeholder đã ký: không công cụ nào thay nó bằng salt.")},
	{Name: "salt-in-shell", Changes: PartSalt, advice: "salt-as-is", salt: saltInShell, About: language.Both(
		"A shell, Compose or a .env file has changed the salt: characters such as $, !, # and \\ mean something there.",
		"Shell, Compose hoặc file .env đã làm salt thay đổi: các ký tự như $, !, # và \\ có ý nghĩa riêng ở đó.")},
	{Name: "salt-letter-case", Changes: PartSalt, advice: "salt-as-is", salt: saltLetterCase, About: language.Both(
		"The salt has its letters in another case.",
		"Salt bị đổi chữ hoa chữ thường.")},
}
