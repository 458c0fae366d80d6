package live

// shortestSalt is the length below which a salt can be guessed from one signed redirect.
const shortestSalt = 16

// checkMerchants looks at the keys of each merchant.
func (d *diagnosis) checkMerchants(merchants []Merchant) {
	if len(merchants) == 0 {
		d.add("keys", "", fail, both("the global option galaxypay describes no merchant", "tùy chọn galaxypay không khai báo đơn vị nào"),
			both("Give environment, api_key and salt.", "Hãy khai báo environment, api_key và salt."))
	}
	for _, m := range merchants {
		d.checkKeys(m)
		if m.Error == "" {
			d.checkSalt(m)
		}
	}
}

func (d *diagnosis) checkKeys(m Merchant) {
	const name = "keys"
	switch {
	case m.Error != "":
		d.add(name, m.Name, fail, both("the merchant is refused: %s", "đơn vị bị từ chối: %s", m.Error),
			both("Correct the option that is named, or the variable or file it refers to.", "Hãy sửa tùy chọn được nêu, hoặc biến hay file mà nó trỏ tới."))
	case m.IsLiteral:
		d.add(name, m.Name, warn, both("they resolve, and one is written in the configuration, so config dumps show it", "đọc được, nhưng có bí mật ghi thẳng trong cấu hình nên bản xuất cấu hình sẽ để lộ"),
			both("Use {env.NAME} or {file./path}.", "Hãy dùng {env.TÊN} hoặc {file./đường/dẫn}."))
	default:
		d.add(name, m.Name, pass, both("api key and salt resolve", "đọc được api key và salt"), nothing)
	}
}

func (d *diagnosis) checkSalt(m Merchant) {
	const name = "salt_strength"
	ask := both("Ask the gateway for another salt.", "Hãy đề nghị cổng thanh toán cấp salt khác.")
	switch {
	case m.Environment == "sandbox":
		d.add(name, m.Name, warn, both("this merchant is at the sandbox: no payment is real, and everyone knows its salt", "đơn vị này dùng sandbox: không có giao dịch thật, và ai cũng biết salt"),
			both("Use environment uat or production to take payments.", "Hãy dùng environment uat hoặc production để nhận thanh toán."))
	case m.IsPublished:
		d.add(name, m.Name, warn, both("the salt is the one that the gateway's documents publish, so everyone knows it", "salt là salt công khai trong tài liệu của cổng thanh toán nên ai cũng biết"),
			both("Use the one that the gateway issued.", "Hãy dùng salt do cổng thanh toán cấp."))
	case m.SaltLength < shortestSalt:
		d.add(name, m.Name, warn, both("the salt has %d bytes; one of fewer than %d can be guessed from one signed redirect", "salt dài %d byte; dưới %d byte thì có thể bị dò ra từ một lần chuyển hướng đã ký", m.SaltLength, shortestSalt), ask)
	case m.IsEncoded:
		d.add(name, m.Name, warn, both("the salt looks like the Base64 of another text, as kubectl shows secrets", "salt trông như Base64 của một văn bản khác, giống cách kubectl hiển thị secret"),
			both("If the gateway did not issue it like this, decode it.", "Nếu cổng thanh toán không cấp như vậy, hãy giải mã."))
	default:
		d.add(name, m.Name, pass, both("the salt is long enough", "salt đủ dài"), nothing)
	}
}

// checkGuards looks for galaxypay_guard in each site that takes callbacks and leads to an app.
func (d *diagnosis) checkGuards(sites []site) {
	const name = "guard"
	hasCallbacks := false
	for _, s := range sites {
		if !s.has("galaxypay_ipn", "galaxypay_result") {
			continue
		}
		hasCallbacks = true
		switch {
		case s.has("galaxypay_guard"):
			d.add(name, s.name, pass, both("galaxypay_guard is there", "có galaxypay_guard"), nothing)
		case s.has("reverse_proxy", "file_server"):
			d.add(name, s.name, warn, both("galaxypay_guard is missing: a request past the callback addresses could bring Galaxypay-* headers of its own to the app",
				"thiếu galaxypay_guard: request không qua địa chỉ callback có thể tự mang header Galaxypay-* tới ứng dụng"),
				both("Add galaxypay_guard to the site.", "Hãy thêm galaxypay_guard vào site."))
		default:
			d.add(name, s.name, pass, both("the site leads to no app", "site không dẫn tới ứng dụng nào"), nothing)
		}
	}
	if !hasCallbacks {
		d.add(name, "", warn, both("no site has galaxypay_ipn or galaxypay_result, so no callback is taken here", "không site nào có galaxypay_ipn hay galaxypay_result nên ở đây không nhận callback"),
			both("Add galaxypay_ipn to the site that the gateway reaches.", "Hãy thêm galaxypay_ipn vào site mà cổng thanh toán gọi tới."))
	}
}
