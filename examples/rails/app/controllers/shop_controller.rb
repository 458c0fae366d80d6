class ShopController < ApplicationController
  AMOUNT = 109_000
  DESCRIPTION = "Cà phê sữa đá"

  def home; end

  def buy
    order = params[:order] ? Order.find(params[:order]) : Order.place(AMOUNT, DESCRIPTION)
    endpoint = order.pay if order.status == "open"
    redirect_to endpoint || order_path(order), status: :see_other
  end

  def show
    show_order(params[:id])
  end

  # For your staff: your shop's login belongs here.
  def refund
    password = Rails.configuration.x.staff_password
    if password.empty? || params[:password] != password
      return render plain: "Only for staff. Start the shop with STAFF_PASSWORD.", status: :forbidden
    end

    order = Order.find(params[:order])
    order.refund
    redirect_to order_path(order), status: :see_other
  end
end
