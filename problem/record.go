package problem

// What the ledger says of a call in the place of the gateway.

// StoreUnavailable is a call that could not be recorded, so it was not sent.
func StoreUnavailable() *Problem {
	return of(CodeStoreUnavailable, say(
		"The store that records every call before it is sent cannot be used now, so nothing was sent. Try again; the log says why.",
		"Hiện không dùng được kho lưu, nơi mọi lời gọi phải được ghi nhận trước khi gửi, nên chưa gửi gì. Hãy thử lại; nguyên nhân có trong log."))
}

// RecordDamaged is a call whose own record is damaged. Nothing is sent, and an earlier sending under the same requestID may have been
// carried out.
func RecordDamaged() *Problem {
	p := of(CodeStoreUnavailable, say(
		"The record of this requestID is damaged, so it is not known whether the call was sent before, and carried out. Nothing was sent now, and repeating it does not help. Wait for the IPN or call query; the log of the sidecar says what was damaged.",
		"Bản ghi của requestID này đã bị hỏng, nên không biết lời gọi đã từng được gửi và thực hiện hay chưa. Lần này chưa gửi gì, và gọi lại cũng không thay đổi. Hãy chờ IPN hoặc gọi query; log của sidecar ghi rõ phần bị hỏng."))
	p.Outcome = Unknown
	return p
}

// AnswerSealed is a recorded answer that cannot be decrypted. Nothing is sent; outcome is that of the record.
func AnswerSealed(outcome Outcome) *Problem {
	p := of(CodeStoreUnavailable, say(
		"This call was sent before, and its recorded answer cannot be decrypted, so it cannot be repeated. Nothing was sent now. Give the store the key with which it was encrypted.",
		"Lời gọi này đã được gửi trước đây, nhưng không giải mã được trả lời đã ghi nên không thể lặp lại. Lần này chưa gửi gì. Hãy cấu hình lại khóa đã dùng để mã hóa."))
	p.Outcome = outcome
	return p
}

// InProgress is a call whose requestID is at work at this moment.
func InProgress() *Problem {
	return of(CodeInProgress, say(
		"A call with this requestID is being sent at this moment. Repeat it, under the same Idempotency-Key, after Retry-After.",
		"Một lời gọi với requestID này đang được gửi. Hãy gọi lại với cùng Idempotency-Key sau thời gian trong Retry-After."))
}

// KeyReused is a call whose requestID was used for another one, which had that outcome.
func KeyReused(outcome Outcome) *Problem {
	p := of(CodeIdempotencyKeyReused, say(
		"This Idempotency-Key, or requestID, was used for another call: the operation, the order, an amount or the payment method differs. This call was not sent; outcome is that of the recorded one. Repeat a call as it was, or use a new key for a new payment.",
		"Idempotency-Key (hoặc requestID) này đã dùng cho một lời gọi khác: nghiệp vụ, đơn hàng, số tiền hoặc phương thức khác nhau. Lời gọi này chưa được gửi; outcome là của lời gọi đã ghi. Hãy lặp lại đúng lời gọi cũ, hoặc dùng khóa mới cho thanh toán mới."))
	p.Outcome = outcome
	return p
}

// StillUnknown repeats a call of unknown outcome that moves money, so it is not sent a second time. Code is how the
// first try ended; empty: the sidecar ended before it did.
func StillUnknown(code Code) *Problem {
	if codes[code].outcome != Unknown {
		code = CodeGatewayNoAnswer
	}
	return of(code, say(
		"This call was sent before, and it is not known whether it was carried out. It moves money, so it was not sent again. Wait for the IPN or call query; an operator can end this with: caddy galaxypay payments settle.",
		"Lời gọi này đã được gửi trước đây và chưa biết có được thực hiện hay không. Vì có chuyển tiền nên không gửi lại. Hãy chờ IPN hoặc gọi query; người vận hành có thể kết luận bằng: caddy galaxypay payments settle."))
}

// Settled is a call of which an operator has said that it was not carried out.
func Settled() *Problem {
	return of(CodeSettled, say(
		"The outcome of this call was unknown, and an operator has settled it as not carried out. Use a new Idempotency-Key to do it after all.",
		"Kết quả của lời gọi này từng không xác định, và người vận hành đã kết luận là không được thực hiện. Nếu vẫn muốn thực hiện, hãy dùng Idempotency-Key mới."))
}

// MayBeDone makes the outcome of a repeated call unknown: an earlier sending may have been carried out, however this one ended. A sentence
// that nothing was sent would be read as if that held for both.
func (p *Problem) MayBeDone() {
	if p.Outcome == NotSent {
		p.detail = say(
			"This time nothing was sent, but an earlier try of this call may have been carried out. Repeat it under the same Idempotency-Key, wait for the IPN, or call query; do not pay again under a new key.",
			"Lần này chưa gửi gì, nhưng lần gọi trước có thể đã được thực hiện. Hãy gọi lại với cùng Idempotency-Key, chờ IPN hoặc gọi query; không thanh toán lại với khóa mới.")
	}
	p.Outcome = Unknown
}

// PageLost is a call whose payment page was opened by an earlier try, of which no answer came back.
func PageLost() *Problem {
	return of(CodePageLost, say(
		"An earlier try of this call opened a payment page, but its address never arrived, so no customer can have paid there. Pay under a new Idempotency-Key.",
		"Lần gọi trước đã mở trang thanh toán nhưng địa chỉ trang không về tới nơi, nên không khách hàng nào có thể đã trả tiền ở đó. Hãy thanh toán với Idempotency-Key mới."))
}

// PaymentOver is a repeated call whose payment was cancelled or has expired since; code says which.
func PaymentOver(code Code) *Problem {
	return of(code, say(
		"The payment that this call opened is over. A new one needs a new Idempotency-Key.",
		"Thanh toán do lời gọi này mở đã kết thúc. Thanh toán mới cần Idempotency-Key mới."))
}
