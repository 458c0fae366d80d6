class ApplicationController < ActionController::Base
  rescue_from(ActiveRecord::RecordNotFound) { render plain: "Không có đơn hàng này.", status: :not_found }

  private

  # The page of an order. It goes by the shop's own order; result is what the customer's browser has brought.
  def show_order(id, result = "")
    @order = Order.find(id)
    @confirming = @order.status == "open" && %w[paid pending].include?(result)
    response.headers["Cache-Control"] = "no-store"
    render "shop/order"
  end
end
