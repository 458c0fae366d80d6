import {
  Body, Controller, ForbiddenException, Get, Header, Headers, HttpCode, NotFoundException, Param, Post, Res, UseGuards,
} from '@nestjs/common';
import { Response } from 'express';
import { FromSidecar } from './from-sidecar.guard';
import { Order, Orders } from './orders';
import { homePage, orderPage } from './pages';
import { IPNAnswer, PaymentsService } from './payments.service';

const amount = 109000;
const description = 'Cà phê sữa đá';

@Controller()
export class ShopController {
  constructor(private readonly orders: Orders, private readonly payments: PaymentsService) {}

  @Get('/')
  home(): string {
    return homePage(description);
  }

  @Post('buy')
  async buy(@Body('order') id: string | undefined, @Res() res: Response): Promise<void> {
    const order = this.find(id ?? this.payments.newOrder(amount, description));
    const endpoint = order.status === 'open' ? await this.payments.pay(order) : undefined;
    res.redirect(303, endpoint ?? `/orders/${order.id}`);
  }

  @Get('orders/:id')
  @Header('Cache-Control', 'no-store')
  show(@Param('id') id: string): string {
    return orderPage(this.find(id), '');
  }

  /** Only a page: goods go by the IPN. */
  @Get('galaxypay/result')
  @UseGuards(FromSidecar('result', 'cancel'))
  @Header('Cache-Control', 'no-store')
  result(@Headers('galaxypay-order-id') id = '', @Headers('galaxypay-payment-status') status = ''): string {
    return orderPage(this.find(decodeURIComponent(id)), status);
  }

  @Post('galaxypay/ipn')
  @HttpCode(200)
  @UseGuards(FromSidecar('ipn', 'query'))
  ipn(
    @Headers('galaxypay-order-id') id = '',
    @Headers('galaxypay-transaction-id') transaction = '',
    @Headers('galaxypay-payment-status') status = '',
    @Body('responseData') payment: object,
  ): IPNAnswer {
    return this.payments.takeIPN(decodeURIComponent(id), decodeURIComponent(transaction), status, payment);
  }

  /** For your staff: your shop's login belongs here. */
  @Post('refund')
  async refund(@Body('order') id: string, @Body('password') typed: string, @Res() res: Response): Promise<void> {
    const password = process.env.STAFF_PASSWORD;
    if (!password || typed !== password) {
      throw new ForbiddenException('Only for staff. Start the shop with STAFF_PASSWORD.');
    }
    await this.payments.refund(this.find(id).id);
    res.redirect(303, `/orders/${id}`);
  }

  private find(id: string): Order {
    const order = this.orders.find(id);
    if (!order) throw new NotFoundException('Không có đơn hàng này.');
    return order;
  }
}
