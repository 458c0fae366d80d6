// A small shop with NestJS: npx tsc && node dist/main.js. Its payments are in payments.service.ts.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Orders } from './orders';
import { PaymentsService } from './payments.service';
import { ShopController } from './shop.controller';

@Module({ controllers: [ShopController], providers: [Orders, PaymentsService] })
class ShopModule {}

async function start(): Promise<void> {
  const app = await NestFactory.create(ShopModule);
  await app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1');
}

void start();
