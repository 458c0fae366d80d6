# An order of the shop, with its payments.
class Order < ApplicationRecord
  has_many :messages

  # Makes an order, and the key of its payment with it: the key is kept before anything is sent.
  def self.place(amount, description)
    id = "DH-#{SecureRandom.hex(5)}"
    create!(id: id, amount: amount, description: description, pay_key: "#{id}-pay-1")
  end

  # Opens the payment. Returns the payment page, or nil. Repeated, it sends the same key: one payment.
  def pay
    outcome, answer = Sidecar.call("pay", pay_key,
      orderID: id, orderAmount: amount, orderCurrency: currency, orderDescription: description, paymentMethod: "DOMESTIC")
    case outcome
    when "ok"
      only(transaction_id: "").update_all(transaction_id: answer["transactionID"])
      answer["endpoint"]
    when "rejected" # the gateway's proven no: the customer may make another order
      only(status: "open").update_all(status: "failed")
      nil
    end # unknown or not_sent: the order stays open, to be tried again under the same key
  end

  # Takes a proven IPN. Returns ipnStatus and ipnDescription.
  def take(transaction_id, payment_status, data)
    transaction do # what is noted, and what is done for it, together
      Message.create!(order_id: id, transaction_id: transaction_id, status: payment_status)
      apply(transaction_id, payment_status, data)
    end
  rescue ActiveRecord::RecordNotUnique
    ["409", "Noted before"] # an IPN can come twice
  end

  # Gives the money of a paid order back. Repeated after unknown, it sends the same key: one refund.
  def refund
    only(status: "paid").update_all("status = 'refunding', refund_key = id || '-refund-' || (refunds_refused + 1)") # kept first
    reload
    return unless status == "refunding"

    outcome, = Sidecar.call("refund", refund_key,
      orderID: id, transactionID: transaction_id, orderAmount: amount, orderCurrency: currency, orderDescription: "Refund")
    refunding = only(status: "refunding", refund_key: refund_key)
    case outcome
    when "ok"
      refunding.update_all(status: "refunded")
    when "rejected" # the gateway's proven no: another try is another key
      refunding.update_all("status = 'paid', refunds_refused = refunds_refused + 1")
    end
  end

  private

  # What an IPN does to the order: only paid hands out goods, and nothing undoes it.
  def apply(transaction_id, payment_status, data)
    unpaid = only(status: %w[open failed])
    if payment_status == "disputed" || (payment_status == "paid" && !full_payment?(data))
      logger.error("#{id}: transaction #{transaction_id} has another amount than the order; a person must look at it")
      unpaid.update_all(status: "review")
      return ["200", "Another amount than ordered"]
    end
    if payment_status == "paid"
      paid = unpaid.update_all(["status = 'paid', transaction_id = ?, handed_out = handed_out + 1", transaction_id]) # hand out the goods here
      return ["200", "Paid"] if paid == 1

      logger.error("#{id}: paid again, by transaction #{transaction_id}; a person must look at it")
      return ["409", "Paid before"]
    end
    only(status: "open").update_all(status: "failed") if %w[cancelled expired failed].include?(payment_status)
    ["200", "Noted"]
  end

  # Compares by value: the gateway writes 109000, "109000" or "109000.00".
  def full_payment?(data)
    text = data["orderAmount"].to_s
    text.match?(/\A[0-9]+(\.[0-9]+)?\z/) && text.to_d == amount && data["orderCurrency"] == currency
  end

  # This order, if it is so.
  def only(conditions)
    Order.where(id: id, **conditions)
  end
end
